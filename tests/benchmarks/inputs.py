"""Make the captures the benchmark reads, each once, in a folder of the caller's choosing."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from . import flood, pcapfile
from .record import record

LOAD = "load.pcap"
SMALL = "load-100k.pcap"
MEDIUM = "load-1m.pcap"
LARGE = "load-10m.pcap"
SNAP96 = "load-96.pcap"
FAT = "load-64k.pcap"
PCAPNG = "load.pcapng"
GZIP = "load.pcap.gz"
ZSTD = "load.pcap.zst"
FLOOD = "flood-10m.pcap"
FLOOD_LATE = "flood-10m-late.pcap"

LARGE_PACKETS = 10_000_000
FAT_PACKETS = 200_000
COPY_SECONDS = 60
INDEX = "inputs.json"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Input:
    """One capture and what it holds."""

    name: str
    size: int
    packets: int
    handshakes: int


class Maker:
    """Makes the missing inputs of one folder, and remembers what each holds."""

    def __init__(self, folder: Path, say: Say) -> None:
        """Take up the folder, with what an earlier run noted about it."""
        self.folder = folder
        self.say = say
        self.missing: dict[str, str] = {}
        self.known: dict[str, Input] = {}
        index = folder / INDEX
        if index.exists():
            noted = (Input(**row) for row in json.loads(index.read_text()))
            self.known = {row.name: row for row in noted if self._same(row)}

    def make(self) -> None:
        """Make every input that is not there yet."""
        self.folder.mkdir(parents=True, exist_ok=True)
        load = self.folder / LOAD
        if LOAD not in self.known:
            if not load.exists():
                self.say(f"{LOAD}: recording")
                self.say(f"{LOAD}: {record(load)}")
            self._count(LOAD)
        self._cut(SMALL, 100_000)
        self._cut(MEDIUM, 1_000_000)
        self._enlarge()
        self._fatten()
        path = str(load)
        self._convert(SNAP96, ["editcap", "-F", "pcap", "-s", "96", path, "{}"])
        self._convert(PCAPNG, ["editcap", "-F", "pcapng", path, "{}"])
        self._convert(GZIP, ["gzip", "-6", "-c", path], to_stdout=True)
        self._convert(ZSTD, ["zstd", "-q", "-3", "-c", path], to_stdout=True)
        self._flood(FLOOD, late=False)
        self._flood(FLOOD_LATE, late=True)
        self._save()

    def _same(self, row: Input) -> bool:
        path = self.folder / row.name
        return path.exists() and path.stat().st_size == row.size

    def _save(self) -> None:
        rows = [asdict(row) for row in self.known.values()]
        (self.folder / INDEX).write_text(json.dumps(rows, indent=2) + "\n")

    def _note(self, name: str, packets: int, handshakes: int) -> None:
        size = (self.folder / name).stat().st_size
        self.known[name] = Input(name, size, packets, handshakes)
        self.say(f"{name}: {packets:,} packets, {handshakes:,} handshakes, {size:,} bytes")
        self._save()

    def _count(self, name: str) -> None:
        data = pcapfile.load(self.folder / name)
        self._note(name, pcapfile.count(data), pcapfile.count_handshakes(data))

    def _cut(self, name: str, packets: int) -> None:
        """Write the first packets of the load, up to a record's end."""
        if name in self.known:
            return
        data = pcapfile.prefix(pcapfile.load(self.folder / LOAD), packets)
        if data is None:
            self.missing[name] = f"{LOAD} holds fewer than {packets:,} packets"
            return
        (self.folder / name).write_bytes(data)
        self._note(name, packets, pcapfile.count_handshakes(data))

    def _enlarge(self) -> None:
        """Append copies of the load, each later and on its own address, up to ten million."""
        if LARGE in self.known:
            return
        load = self.known[LOAD]
        copies = -(-LARGE_PACKETS // load.packets)
        if copies > 200:
            self.missing[LARGE] = f"{LOAD} is too small to be copied up to {LARGE_PACKETS:,}"
            return
        self.say(f"{LARGE}: {copies} copies of {LOAD}")
        data = pcapfile.load(self.folder / LOAD)
        part = self.folder / (LARGE + ".part")
        with part.open("wb") as out:
            out.write(data[: pcapfile.FILE_HEADER])
            for copy in range(copies):
                if copy:
                    pcapfile.shift(data, COPY_SECONDS)
                out.write(memoryview(data)[pcapfile.FILE_HEADER :])
        part.replace(self.folder / LARGE)
        self._note(LARGE, load.packets * copies, load.handshakes * copies)

    def _fatten(self) -> None:
        """Write the load's first packets with payloads of 64 KiB."""
        if FAT in self.known:
            return
        data = pcapfile.load(self.folder / LOAD)
        part = self.folder / (FAT + ".part")
        with part.open("wb") as out:
            for piece in pcapfile.fattened(data, FAT_PACKETS):
                out.write(piece)
        part.replace(self.folder / FAT)
        packets = min(FAT_PACKETS, self.known[LOAD].packets)
        self._note(
            FAT, packets, pcapfile.count_handshakes(data[: len(pcapfile.prefix(data, packets) or data)])
        )

    def _flood(self, name: str, *, late: bool) -> None:
        """Write a SYN flood."""
        if name in self.known:
            return
        part = self.folder / (name + ".part")
        packets = flood.make(part, late=late)
        part.replace(self.folder / name)
        self._note(name, packets, 0)

    def _convert(self, name: str, argv: list[str], *, to_stdout: bool = False) -> None:
        """Have a tool write the load another way; a missing tool leaves the input out."""
        if name in self.known:
            return
        if shutil.which(argv[0]) is None:
            self.missing[name] = f"{argv[0]} is not installed"
            return
        part = self.folder / (name + ".part")
        words = [str(part) if word == "{}" else word for word in argv]
        try:
            if to_stdout:
                with part.open("wb") as out:
                    subprocess.run(words, stdout=out, check=True)
            else:
                subprocess.run(words, stdout=subprocess.DEVNULL, check=True)
        except subprocess.CalledProcessError as error:
            part.unlink(missing_ok=True)
            self.missing[name] = f"{argv[0]} failed with status {error.returncode}"
            return
        part.replace(self.folder / name)
        load = self.known[LOAD]
        self._note(name, load.packets, load.handshakes)


def make(folder: Path, say: Say = print) -> tuple[dict[str, Input], dict[str, str]]:
    """Make the inputs; return those there are, and why each other one is not."""
    maker = Maker(folder, say)
    maker.make()
    return maker.known, maker.missing
