"""Content files: what a failed write leaves behind."""

import errno
import os
from pathlib import Path

import pytest

from posthouse.model.errors import Unavailable
from posthouse.model.ids import BlobId
from posthouse.store.blob.files import FileBlobObjects


@pytest.mark.parametrize("step", ["write", "fsync", "rename"])
async def test_a_failed_write_leaves_nothing_on_the_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "no space left on device")

    objects = FileBlobObjects(tmp_path / "blobs")
    blob_id = BlobId(b"\0\1" + b"d" * 32 + (4).to_bytes(8, "big"))
    await objects.put(BlobId(b"\0\1" + b"d" * 32 + (3).to_bytes(8, "big")), b"abc")  # the directories are there
    with monkeypatch.context() as patch:
        patch.setattr(os, step, full)
        with pytest.raises(Unavailable):
            await objects.put(blob_id, b"abcd")
    assert [path.read_bytes() for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == [b"abc"]
    objects.close()
