"""Random numbers of an instance that was restored: new where nobody has chosen them."""

from __future__ import annotations

import copy
import random

import pytest

from edge.hosts import randomness


@pytest.fixture(autouse=True)
def _restored():
    state = random.getstate()
    yield
    randomness.renew()
    random.setstate(state)


def test_a_generator_that_seeds_itself_is_seeded_anew():
    randomness.watch()
    generator = random.Random()
    frozen = generator.getstate()
    randomness.renew()
    assert generator.getstate() != frozen


def test_a_seed_of_ones_own_is_kept():
    randomness.watch()
    given, later = random.Random(7), random.Random()
    later.seed(7)
    randomness.renew()
    assert given.random() == later.random() == random.Random(7).random()


def test_the_module_itself_is_seeded_anew():
    randomness.watch()
    random.seed(7)
    randomness.renew()
    assert random.random() != random.Random(7).random()


def test_classes_of_others_are_seeded_anew():
    class Dice(random.Random):
        def throw(self) -> int:
            return self.randint(1, 2**64)

    randomness.watch()
    dice = Dice()
    frozen = copy.copy(dice)
    randomness.renew()
    assert dice.throw() != frozen.throw()


def test_afterwards_all_is_as_before():
    plain = random.Random.seed
    randomness.watch()
    assert random.Random.seed is not plain
    randomness.renew()
    assert random.Random.seed is plain
    generator = random.Random()
    frozen = generator.getstate()
    randomness.renew()
    assert generator.getstate() == frozen
