"""What stays where it was from picture to picture: nothing jumps while faces move a little."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge.frames import Track
from edge.layout import Area, Spot, Style, bars_place, tag_place, tag_spots

_LARGER = 1.5
"""How much larger than the face that has the bars another one must be to get them: boxes of faces
of the same size differ by a quarter from frame to frame."""
_SETTLED = 1.0
"""How long a tag stays in a place before it may go to a better one, seconds."""

Texts = Callable[[Track], Sequence[str]]
"""What may stand beside a face, the best first."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """Where a tag is, as the key of its spot, and since when in seconds."""

    key: tuple[int, int, int]
    since: float


class Placement:
    """Remembers who has the bars, where they are, and where each tag is; to be kept by who draws.

    A new one for each picture gives what is best for that picture alone.
    """

    def __init__(self) -> None:
        """Start with nothing placed."""
        self._owner: int | None = None
        self._panel: int | None = None
        self._tags: dict[int, _Kept] = {}

    def owner(self, tracks: Sequence[Track]) -> Track:
        """Return whose bars are shown of ``tracks``, of which there is one at least.

        The face that has them keeps them until it goes or another one is clearly larger.
        """
        if not any(track.id in self._tags for track in tracks):
            self._panel = None  # another scene
        largest = max(tracks, key=lambda track: track.box.area)
        kept = next((track for track in tracks if track.id == self._owner), largest)
        if largest.box.area > _LARGER * kept.box.area:
            kept = largest
        self._owner = kept.id
        return kept

    def panel(self, tracks: Sequence[Track], width: int, height: int, style: Style) -> Area:
        """Return where a panel of that size goes: where it was, unless it covers a face there."""
        self._panel, area = bars_place(tracks, width, height, style, self._panel)
        return area

    def tags(
        self,
        tracks: Sequence[Track],
        texts: Texts,
        taken: Sequence[Area],
        style: Style,
        at: float,
    ) -> list[tuple[Track, Spot]]:
        """Return a spot for each of ``tracks``, off what is ``taken`` and off each other.

        ``at`` is the picture's time in seconds. A tag stays above, below or wherever it was beside
        its face; it moves where something else is, and after a while to a better place.
        """
        options = {track.id: tag_spots(track.box, texts(track), style) for track in tracks}
        placed = self._where_they_were(options, taken)
        for number in sorted(set(options) - set(placed)):
            others = [*taken, *(spot.area for spot in placed.values())]
            placed[number] = tag_place(options[number], others)
        for number in sorted(placed):
            others = [*taken, *(spot.area for other, spot in placed.items() if other != number)]
            placed[number] = self._better(
                number, placed[number], options[number], others, style, at
            )
        self._tags = {number: self._kept(number, spot, at) for number, spot in placed.items()}
        return [(track, placed[track.id]) for track in tracks]

    def _where_they_were(
        self, options: dict[int, list[Spot]], taken: Sequence[Area]
    ) -> dict[int, Spot]:
        """The tags that can stay; of two that would meet, that of the face that came first."""
        placed: dict[int, Spot] = {}
        for number in sorted(set(options) & set(self._tags)):
            same = [spot for spot in options[number] if spot.key == self._tags[number].key]
            others = [*taken, *(spot.area for spot in placed.values())]
            if same and same[0].is_free(others):
                placed[number] = same[0]
        return placed

    def _better(
        self,
        number: int,
        spot: Spot,
        options: Sequence[Spot],
        others: Sequence[Area],
        style: Style,
        at: float,
    ) -> Spot:
        """A better spot with some room to spare, for a tag that has been in its own for a while."""
        kept = self._tags.get(number)
        if kept is None or kept.key != spot.key or at - kept.since < _SETTLED:
            return spot
        better = (other for other in options if other.key < spot.key)
        return next((other for other in better if other.is_free(others, 2 * style.pad)), spot)

    def _kept(self, number: int, spot: Spot, at: float) -> _Kept:
        kept = self._tags.get(number)
        return kept if kept and kept.key == spot.key else _Kept(spot.key, at)
