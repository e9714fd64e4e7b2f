"""llama.cpp's split of layers over devices, and the search for the best one."""

from __future__ import annotations

import random
from itertools import combinations, combinations_with_replacement

import pytest

from model_manager.plan.split import DeviceCapacity, LayerSplit, Slots, fit, fixed_counts, layers_of, spread


@pytest.mark.parametrize(
    ("shares", "n_gpu_layers", "n_layer", "counts"),
    [
        ((1.0, 1.0), 13, 12, (7, 6)),  # as the engine's weights lay on two devices
        ((3.0, 1.0), 5, 4, (4, 1)),
        ((1.0, 0.0), 61, 60, (61, 0)),
        ((0.0, 1.0, 1.0), 61, 60, (0, 31, 30)),
        ((24.0, 16.0), 61, 60, (37, 24)),
        ((1.0,), 1, 60, (1,)),
    ],
)
def test_shares_become_layers(
    shares: tuple[float, ...], n_gpu_layers: int, n_layer: int, counts: tuple[int, ...]
) -> None:
    where = layers_of(shares, n_gpu_layers, n_layer)
    assert len(where) == n_layer + 1
    assert tuple(where.count(number) for number in range(len(shares))) == counts
    assert where[: n_layer + 1 - n_gpu_layers] == (None,) * (n_layer + 1 - n_gpu_layers)
    assert [place for place in where if place is not None] == sorted(place for place in where if place is not None)


def test_without_devices_or_layers_everything_is_in_host_memory() -> None:
    assert layers_of((), 61, 4) == (None,) * 5
    assert layers_of((1.0, 1.0), 0, 4) == (None,) * 5


def test_layer_counts_as_shares_give_exactly_these_layers() -> None:
    rng = random.Random(1)
    for _ in range(500):
        counts = [rng.randint(0, 40) for _ in range(rng.randint(1, 16))]
        on_devices = sum(counts)
        if not on_devices:
            continue
        n_layer = on_devices + rng.randint(0, 20) - 1
        where = layers_of([float(count) for count in counts], on_devices, n_layer)
        assert [where.count(number) for number in range(len(counts))] == counts


def _brute_force(slots: Slots, rooms: list[DeviceCapacity]) -> int | None:
    """The fewest experts in RAM, by trying every split and every choice."""
    end = len(slots.dense)
    best: int | None = None
    for borders in combinations_with_replacement(range(end + 1), len(rooms) - 1):
        stops = [*borders, end]
        total = 0
        start, leading = 0, True
        for room, stop in zip(rooms, stops, strict=True):
            if stop > start:
                limit = (room.with_output if stop == end else room.plain) - (room.leading if leading else 0)
                own = range(start, stop)
                dense = sum(slots.dense[slot] for slot in own)
                with_experts = [slot for slot in own if slots.experts[slot]]
                for count in range(len(with_experts) + 1):
                    kept = [
                        sum(slots.experts[i] for i in own if i not in out) for out in combinations(with_experts, count)
                    ]
                    if dense + min(kept) <= limit:
                        total += count
                        break
                else:
                    total = 1000
                leading = False
            start = stop
        if total < 1000 and (best is None or total < best):
            best = total
    return best


def test_search_matches_brute_force() -> None:
    rng = random.Random(2)
    solved = 0
    for _ in range(250):
        end = rng.randint(2, 7)
        sizes = [rng.choice((0, 5, 9)) for _ in range(end - 1)]
        slots = Slots(tuple(rng.randint(1, 4) for _ in range(end)), (*sizes, 0))
        rooms = []
        for _ in range(rng.randint(1, 3)):
            plain = rng.randint(-2, 25)
            rooms.append(DeviceCapacity(plain, plain - rng.randint(0, 3), rng.choice((0, 2))))
        expected = _brute_force(slots, rooms)
        found = fit(slots, rooms, end)
        assert (None if found is None else len(found.in_ram)) == expected
        if found is None:
            continue
        solved += 1
        assert sum(found.counts) == end
        assert fixed_counts(slots, rooms, found.counts) == found
        usable = [max(0, room.plain) for room in rooms]
        assert len(spread(slots, rooms, usable, found).in_ram) == expected
    assert solved > 80


def test_spread_fills_devices_in_proportion() -> None:
    slots = Slots((10,) * 13, (0,) * 13)
    rooms = [DeviceCapacity(2400, 2400), DeviceCapacity(1600, 1600), DeviceCapacity(800, 800)]
    found = spread(slots, rooms, [2400, 1600, 800], LayerSplit((13, 0, 0), ()))
    assert found.counts == (7, 4, 2)
