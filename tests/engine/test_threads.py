"""Thread count by free cores, with simulated processor times."""

from __future__ import annotations

from app.engine.child.threads import HOLD_S, CpuTimes, ThreadCount, read_cpu_times


class Machine:
    """Two cores, fairly shared; ``busy`` other programs want one each, a token takes the time its count needs."""

    def __init__(self, token_s: dict[int, float], busy: float = 0.0) -> None:
        self.busy = busy
        self.token_s = token_s
        self.load = CpuTimes(0.0, 0.0, 0.0)

    def read(self) -> CpuTimes:
        return self.load

    def pass_time(self, seconds: float, threads: int) -> None:
        wanted = threads + self.busy
        share = min(1.0, 2 / wanted) if wanted else 0.0
        idle = max(0.0, 2 - wanted)
        load = self.load
        self.load = CpuTimes(load.idle + idle * seconds, load.own + threads * share * seconds, load.clock + seconds)

    def generate(self, count: ThreadCount, seconds: float) -> None:
        end = self.load.clock + seconds
        while self.load.clock < end:
            self.pass_time(self.token_s[count.count], count.count)
            count.after_token(self.load.clock)


QUIET = {1: 0.006, 2: 0.005}
ONE_BUSY = {1: 0.006, 2: 0.015}
BOTH_BUSY = {1: 0.009, 2: 0.080}
"""Seconds a token on two cores, as the starter model takes them."""


def test_idle_machine_uses_all_cores() -> None:
    machine = Machine(QUIET)
    count = ThreadCount(2, 2, read=machine.read)
    machine.generate(count, 1.0)
    assert count.count == 2


def test_thread_count_follows_the_free_cores() -> None:
    machine = Machine(QUIET)
    count = ThreadCount(2, 2, read=machine.read)
    machine.busy, machine.token_s = 1.0, ONE_BUSY
    machine.generate(count, 0.5)
    assert count.count == 1
    machine.busy, machine.token_s = 0.0, QUIET
    machine.generate(count, 0.5)
    assert count.count == 2


def test_slower_count_is_reverted_for_a_while() -> None:
    machine = Machine({1: 0.012, 2: 0.005})
    count = ThreadCount(2, 2, read=machine.read)
    machine.generate(count, 0.3)
    machine.busy = 1.0
    tried = []
    for _ in range(8):
        machine.generate(count, 0.125)
        tried.append(count.count)
    assert tried.count(1) == 1, "tried once within the second"
    machine.generate(count, HOLD_S)
    assert 1 in {count.count, *tried}


def test_first_count_uses_the_load_since_the_last_answer() -> None:
    machine = Machine(QUIET, busy=1.0)
    count = ThreadCount(2, 2, read=machine.read)
    machine.pass_time(5.0, 0)
    assert count.begin() == 1


def test_count_follows_the_load_while_reading() -> None:
    machine = Machine(QUIET)
    count = ThreadCount(2, 2, read=machine.read)
    assert count.before_batch() == 2
    machine.busy = 2.0
    machine.pass_time(0.5, 2)
    assert count.before_batch() == 1
    machine.busy = 0.0
    machine.pass_time(0.5, 1)
    assert count.before_batch() == 2


def test_fixed_count_is_constant() -> None:
    machine = Machine(BOTH_BUSY, busy=2.0)
    count = ThreadCount(2, 2, fixed=2, read=machine.read)
    machine.generate(count, 1.0)
    assert count.begin() == 2


def test_count_is_at_least_one() -> None:
    machine = Machine(BOTH_BUSY, busy=2.0)
    count = ThreadCount(2, 2, read=machine.read)
    machine.generate(count, 1.0)
    assert count.count == 1


def test_cpu_times_are_monotonic() -> None:
    first, second = read_cpu_times(), read_cpu_times()
    assert second.clock >= first.clock
    assert second.own >= first.own
    assert second.idle >= first.idle > 0
