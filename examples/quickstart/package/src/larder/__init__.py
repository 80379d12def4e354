"""Turn recipes into one shopping list."""
from larder.shopping import shopping_list
from larder.recipe import Recipe, Ingredient, read_recipe
__all__ = ["shopping_list", "Recipe","Ingredient", "read_recipe"]
