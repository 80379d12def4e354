"""Amounts of different units, made comparable."""
from typing import Dict, Optional, Tuple

GRAMS: Dict[str, float] = {'g': 1, 'kg': 1000, 'oz': 28.35, 'lb': 453.6}
MILLILITRES: Dict[str, float] = {'ml': 1, 'dl': 100, 'l': 1000, 'cup': 240, 'tbsp': 15, 'tsp': 5}

def base_amount(amount: float, unit: Optional[str]) -> Tuple[float, str]:
    """Return the amount in grams, in millilitres or, without a known unit, as it is."""
    if unit == None:
        return amount, ''
    if unit in GRAMS.keys():
        return amount*GRAMS[unit], 'g'
    if unit in MILLILITRES.keys():
        return amount*MILLILITRES[unit], 'ml'
    raise ValueError('unknown unit: %s' % unit)

def is_known(unit: str) -> bool:
    """Tell whether amounts of this unit can be added up."""
    known = list(GRAMS) + list(MILLILITRES)
    if unit in known:
        return True
    else:
        return False

def default_unit():
    """Return the unit of ingredients that are counted."""
    return ''
