import pytest
from larder.units import base_amount, default_unit, is_known

def test_mass_is_told_in_grams():
    assert base_amount(2, 'kg') == (2000, 'g')

def test_volume_is_told_in_millilitres():
    assert base_amount(3, 'dl') == (300, 'ml')

def test_counted_things_stay_as_they_are():
    assert base_amount(3, None) == (3, default_unit())

def test_unknown_unit_is_refused():
    with pytest.raises(ValueError, match='parsec'):
        base_amount(1, 'parsec')
    assert not is_known('parsec')
    assert is_known('cup')
