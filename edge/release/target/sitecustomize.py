"""Part of a release's standard library, where `site` runs it first of all: quicker imports from zips.

`zipimport` reads and unmarshals a module once to tell its file name and once more to run it, and opens,
seeks and reads several times for that. A start imports three hundred modules.
"""

import posix
import zipimport
from typing import Any

HEADER = 30  # bytes, in front of the name (APPNOTE.TXT 4.3.7)

_any_zip = zipimport._get_data  # type: ignore[attr-defined]


def get_filename(self: Any, fullname: str) -> str:
    """As `zipimporter.get_filename`, from the directory alone."""
    path = zipimport._get_module_path(self, fullname)  # type: ignore[attr-defined]
    files = self._get_files()
    for suffix, *_ in zipimport._zip_searchorder:  # type: ignore[attr-defined]
        if path + suffix in files:
            return str(files[path + suffix][0])
    raise zipimport.ZipImportError(f"can't find module {fullname!r}", name=fullname)


def get_data(archive: str, entry: Any) -> Any:
    """As `zipimport._get_data`, in one read where the zip is as a release has them."""
    name, compression, size, _, offset, *_ = entry
    if compression == 0:
        start = HEADER + len(name) - len(archive) - 1
        file = posix.open(archive, posix.O_RDONLY)
        try:
            found = posix.pread(file, start + size, offset)
        finally:
            posix.close(file)
        # The name is as long as it was counted, and nothing else stands in front of the data.
        lengths = (start - HEADER).to_bytes(4, "little")
        if found[:4] == b"PK\x03\x04" and found[26:HEADER] == lengths:
            return found[start:]
    return _any_zip(archive, entry)


zipimport.zipimporter.get_filename = get_filename  # type: ignore[method-assign]
zipimport._get_data = get_data  # type: ignore[attr-defined]
