"""What a colored photograph says of itself: that its color is synthetic, and what made it."""

import re
from dataclasses import dataclass
from xml.sax.saxutils import escape

from vidcolor.film.credentials import SYNTHETIC_COLOR

_NAMESPACE = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_PROPERTIES = ("DigitalSourceType", "AISystemUsed", "AISystemVersionUsed")
_END = re.compile(r"</(\w+:)?RDF\s*>")
_ABOUT = re.compile(r"""(?:\w+:)?about\s*=\s*("[^"]*"|'[^']*')""")


@dataclass(frozen=True, slots=True)
class Statement:
    """What is said.

    Attributes:
        text: All of it in a line.
        version: Of the program.
    """

    text: str
    version: str

    def is_in(self, data: bytes) -> bool:
        """Whether a file's bytes hold it, as those of every picture do that was made with it."""
        return any(text.encode() in data for text in (self.text, escape(self.text)))

    def xmp(self, packet: str | None) -> str:
        """An XMP packet that says so, with all that a packet of before says.

        Args:
            packet: Of before; None for none, and one that is damaged is replaced.
        """
        end = None if packet is None else list(_END.finditer(packet))
        if packet is None or not end:
            about, packet = '""', _EMPTY
            end = list(_END.finditer(packet))
        else:
            found = _ABOUT.search(packet)
            about = found[1] if found else '""'
        place = end[-1].start()
        return _without_properties(packet[:place]) + self._description(about) + packet[place:]

    def _description(self, about: str) -> str:
        values = (SYNTHETIC_COLOR, self.text, self.version)
        told = "".join(
            f"<Iptc4xmpExt:{name}>{escape(value)}</Iptc4xmpExt:{name}>"
            for name, value in zip(_PROPERTIES, values, strict=True)
        )
        return (
            f'<rdf:Description xmlns:rdf="{_RDF}" rdf:about={about} '
            f'xmlns:Iptc4xmpExt="{_NAMESPACE}">{told}</rdf:Description>\n'
        )


def _without_properties(packet: str) -> str:
    """A packet's text without what it says of how the picture came about: one word must hold."""
    for name in _PROPERTIES:
        element = rf"<Iptc4xmpExt:{name}\b[^>]*?(?:/>|>.*?</Iptc4xmpExt:{name}\s*>)"
        packet = re.sub(element, "", packet, flags=re.DOTALL)
        packet = re.sub(rf"""\s+Iptc4xmpExt:{name}\s*=\s*("[^"]*"|'[^']*')""", "", packet)
    return packet


_EMPTY = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{_RDF}">\n'
    "</rdf:RDF></x:xmpmeta>\n"
    '<?xpacket end="w"?>'
)
