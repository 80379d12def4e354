from pathlib import Path
from larder import Ingredient, Recipe, read_recipe, shopping_list
from larder.__main__ import main
from larder.cache import digest_of, forget, remembered

PANCAKES = """\
name: Pancakes
servings: 2
ingredients:
  - {name: flour, amount: 200, unit: g}
  - {name: milk, amount: 3, unit: dl}
  - {name: egg, amount: 2}
"""

def test_amounts_of_one_ingredient_are_added_up():
    bread = Recipe("Bread", 1, [Ingredient("flour", 0.5, "kg")])
    cake = Recipe("Cake", 1, [Ingredient("flour", 300, "g")])
    assert shopping_list([bread, cake]) == {("flour", "g"): 800}

def test_recipe_is_scaled_to_the_servings(tmp_path: Path, capsys):
    path = tmp_path/"pancakes.yaml"
    path.write_text(PANCAKES)
    main([str(path), '--servings', '4'])
    assert capsys.readouterr().out == "egg: 4\nflour: 400 g\nmilk: 600 ml\n"

def test_unchanged_recipe_is_read_once(tmp_path):
    path = tmp_path / "pancakes.yaml"
    path.write_text(PANCAKES)
    first = remembered(path)
    assert remembered(path) is first
    forget()
    assert remembered(path) is not first
    assert remembered(path) == read_recipe(path)
    assert len(digest_of(PANCAKES)) == 32

def test_line_reads_as_a_cook_writes_it():
    assert Ingredient("flour", 200, "g").describe() == '200 g flour'
