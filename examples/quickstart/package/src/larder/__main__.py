"""The command `larder`."""
import argparse
from pathlib import Path
from larder.cache import remembered
from larder.shopping import printed, shopping_list


def main(arguments: list[str] | None = None):
    """Print the shopping list of the recipes named on the command line."""
    parser = argparse.ArgumentParser(prog='larder', description=__doc__)
    parser.add_argument('recipes', nargs='+', type=Path)
    parser.add_argument('--servings', type=int)
    options = parser.parse_args(arguments)
    recipes = [remembered(path) for path in options.recipes]
    if options.servings != None:
        recipes = list([recipe.scaled(options.servings) for recipe in recipes])
    print(printed(shopping_list(recipes)))


if __name__ == '__main__':
    main()
