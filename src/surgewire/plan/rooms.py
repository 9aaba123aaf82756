"""Who is in which room, and who speaks there."""

from functools import cached_property
from itertools import accumulate, pairwise

from surgewire.plan.units import PPM


class RoomLayout:
    """The rooms of a run: a pure function of the plan, the same in every process.

    User i of N is in room ``i * rooms // N``: contiguous blocks whose sizes differ by one at most.
    User i belongs to worker ``i % processes``, so each room spans all workers.
    """

    def __init__(self, connections: int, rooms: int, processes: int, senders_ppm: int) -> None:
        """Lay out ``rooms`` rooms, in which ``senders_ppm`` millionths of the users speak.

        At least one user of each room speaks.
        """
        self.connections = connections
        self.rooms = rooms
        self._processes = processes
        starts = [-(-room * connections // rooms) for room in range(rooms + 1)]
        speakers_before = [start * senders_ppm // PPM for start in starts]
        self._starts = starts
        self._speakers = [max(1, after - before) for before, after in pairwise(speakers_before)]

    def room_of(self, user: int) -> int:
        """Return the room of a user."""
        return user * self.rooms // self.connections

    def members(self, room: int) -> range:
        """Return the users of a room."""
        return range(self._starts[room], self._starts[room + 1])

    @property
    def smallest(self) -> int:
        """Members of the smallest room."""
        return self.connections // self.rooms

    @cached_property
    def senders(self) -> int:
        """How many users speak, over all rooms."""
        return sum(self._speakers)

    def speaks(self, user: int) -> bool:
        """Whether a user sends messages."""
        room = self.room_of(user)
        return self._place(user, room) < self._speakers[room]

    def number_of(self, user: int) -> int:
        """Return a user's number among the senders, in the order of their turns; -1: is silent.

        The turns go round the rooms: first one speaker of each, then the next one of each.
        """
        room = self.room_of(user)
        place = self._place(user, room)
        if place >= self._speakers[room]:
            return -1
        first, ranks = self._rounds[place]
        return first + (room if ranks is None else ranks[room])

    def _place(self, user: int, room: int) -> int:
        """Return a user's place in the order of its room; the first ones speak.

        The order starts at a member whose worker is ``room % processes``, so that those who speak
        one after the other, in one room or one in each of several, belong to different workers.
        """
        start = self._starts[room]
        first = (room - start) % self._processes
        return (user - start - first) % (self._starts[room + 1] - start)

    @cached_property
    def _rounds(self) -> list[tuple[int, list[int] | None]]:
        """For each round: the number of its first speaker, and each room's rank in it.

        None stands for "all rooms have a speaker left", so that the rank is the room's number.
        """
        rounds: list[tuple[int, list[int] | None]] = []
        first = 0
        all_speak = min(self._speakers)
        for place in range(max(self._speakers)):
            if place < all_speak:
                rounds.append((first, None))
                first += self.rooms
            else:
                takes_part = [int(speakers > place) for speakers in self._speakers]
                ranks = [0, *accumulate(takes_part)]
                rounds.append((first, ranks))
                first += ranks[-1]
        return rounds
