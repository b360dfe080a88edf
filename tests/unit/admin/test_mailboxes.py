"""mailbox status, over embedded stores."""

import uuid
from pathlib import Path

from harness.admin import MESSAGE, PASSWORD, account_of, do, embedded_admin
from posthouse.model.change import Append, CommitRequest
from posthouse.model.ids import EmailId, OpId
from posthouse.model.mailbox import NewEmail


async def test_folders_with_their_numbers_inbox_first(tmp_path: Path) -> None:
    async with embedded_admin(tmp_path) as context:
        await do(context, "domain.add", name="example.org", password=PASSWORD)
        account = await account_of(context, "postmaster@example.org")
        email = NewEmail(EmailId(uuid.uuid1()), len(MESSAGE), b"", b"", 0, octets=MESSAGE)
        await context.mail_store.commit(
            account.account_id, CommitRequest(OpId(b"x" * 16), (Append("Junk", email, create=True),))
        )
        status = await do(context, "mailbox.status", address="postmaster@example.org")
        names = [m["name"] for m in status["mailboxes"]]
        assert names == ["INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"]
        junk = status["mailboxes"][3]
        assert (junk["messages"], junk["unseen"], junk["size"], junk["uidnext"]) == (1, 1, len(MESSAGE), 2)
        assert (status["used_msgs"], status["used_bytes"], status["modseq"]) == (1, len(MESSAGE), 2)
