"""A real S3 server: versitygw over a folder, with one bucket."""

import datetime
import errno
import hashlib
import hmac
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from harness.install import installed
from harness.ports import free_port
from harness.process import Server

BUCKET_EXISTS = 409


class VersityGw(Server):
    """An S3 server on loopback; path-style addresses, plain HTTP."""

    bucket = "posthouse"
    key = "harness"
    secret = "harness-secret"
    region = "us-east-1"

    def __init__(self, run_dir: Path) -> None:
        super().__init__("versitygw", run_dir)
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"

    def argv(self) -> Sequence[str]:
        data = self.home / "data"
        data.mkdir(exist_ok=True)
        metadata: list[str] = []
        if not _keeps_attributes(data):
            sidecar = self.home / "sidecar"
            sidecar.mkdir(exist_ok=True)
            metadata = ["--sidecar", str(sidecar)]
        binary = installed("versitygw") / "versitygw"
        return [str(binary), "--quiet", "--port", f"127.0.0.1:{self.port}", "posix", *metadata, str(data)]

    def environment(self) -> Mapping[str, str]:
        return {"ROOT_ACCESS_KEY": self.key, "ROOT_SECRET_KEY": self.secret}

    def not_ready(self) -> str | None:
        try:
            self.create_bucket(self.bucket, timeout=1.0)
        except (URLError, OSError) as error:
            return f"{self.endpoint}: {error}"
        return None

    def create_bucket(self, bucket: str, timeout: float = 5.0) -> None:
        """Makes a bucket (obstore cannot); one of that name may exist already."""
        request = Request(f"{self.endpoint}/{bucket}", method="PUT", headers=self._signature(bucket))
        try:
            urlopen(request, timeout=timeout).close()
        except HTTPError as error:
            if error.code != BUCKET_EXISTS:
                raise

    def wipe(self) -> None:
        """Removes every object of the bucket, behind the running server's back."""
        for path in (self.home / "data" / self.bucket).iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _signature(self, bucket: str) -> dict[str, str]:
        """The headers of an empty PUT, signed as AWS Signature Version 4 asks."""
        now = datetime.datetime.now(datetime.UTC)
        stamp, day, empty = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d"), hashlib.sha256(b"").hexdigest()
        signed, scope = "host;x-amz-content-sha256;x-amz-date", f"{day}/{self.region}/s3/aws4_request"
        headers = f"host:{urlsplit(self.endpoint).netloc}\nx-amz-content-sha256:{empty}\nx-amz-date:{stamp}\n"
        request = f"PUT\n/{bucket}\n\n{headers}\n{signed}\n{empty}"
        to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        derived = b"AWS4" + self.secret.encode()
        for part in scope.split("/"):
            derived = hmac.digest(derived, part.encode(), "sha256")
        signature = hmac.digest(derived, to_sign.encode(), "sha256").hex()
        credential = f"Credential={self.key}/{scope}, SignedHeaders={signed}, Signature={signature}"
        return {
            "x-amz-date": stamp,
            "x-amz-content-sha256": empty,
            "Authorization": f"AWS4-HMAC-SHA256 {credential}",
        }


def _keeps_attributes(folder: Path) -> bool:
    """Whether files here can carry extended attributes, where versitygw keeps its metadata; a tmpfs may not."""
    try:
        os.setxattr(folder, "user.posthouse", b"1")
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise
        return False
    return True
