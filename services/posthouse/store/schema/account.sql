-- The account logs of the embedded mode (docs/adr/0002-account-log.md): one commit = one transaction over these tables.
-- `acct` is the small number of an account in this file.
--
-- What a delivery costs is the pages it dirties, and that must not grow with the store. So what is read by account and
-- is narrow clusters by account (messages, dedup rows), and what is wide or seldom read lies in order of arrival, where
-- the deliveries of a group share pages (emails, bodies, journal).

CREATE TABLE IF NOT EXISTS account_head(
  acct INTEGER PRIMARY KEY,
  account BLOB NOT NULL UNIQUE,
  modseq INTEGER NOT NULL,
  floor INTEGER NOT NULL,            -- journal entries up to here may be gone
  incarnation INTEGER NOT NULL,
  used_bytes INTEGER NOT NULL,
  used_msgs INTEGER NOT NULL,
  next_mailbox INTEGER NOT NULL,
  next_uidvalidity INTEGER NOT NULL,
  deleted INTEGER NOT NULL,
  newest INTEGER NOT NULL DEFAULT 0  -- account_journal.entry of modseq
);

CREATE TABLE IF NOT EXISTS account_mailbox(
  acct INTEGER NOT NULL,
  number INTEGER NOT NULL,
  mailbox_id BLOB NOT NULL,
  name TEXT NOT NULL,
  uidvalidity INTEGER NOT NULL,
  uidnext INTEGER NOT NULL,
  highest_modseq INTEGER NOT NULL,
  total INTEGER NOT NULL,
  unseen INTEGER NOT NULL,
  size INTEGER NOT NULL,
  checksum INTEGER NOT NULL,         -- 64 bits, kept as signed
  vanished_floor INTEGER NOT NULL,
  subscribed INTEGER NOT NULL,
  special_use TEXT NOT NULL,
  doomed INTEGER NOT NULL,           -- 1 = deleted, message rows not yet swept
  PRIMARY KEY (acct, number)
) WITHOUT ROWID;

-- In order of arrival; an account's entries are chained from the newest back.
CREATE TABLE IF NOT EXISTS account_journal(
  entry INTEGER PRIMARY KEY,
  acct INTEGER NOT NULL,
  modseq INTEGER NOT NULL,
  older INTEGER NOT NULL,            -- entry of modseq - 1, which may be gone
  op BLOB NOT NULL                   -- protos/posthouse/events/v1/journal.proto
);

CREATE TABLE IF NOT EXISTS account_dedup(
  acct INTEGER NOT NULL,
  op_id BLOB NOT NULL,
  modseq INTEGER NOT NULL,
  answer BLOB NOT NULL,
  expires INTEGER NOT NULL,          -- seconds since the epoch
  PRIMARY KEY (acct, op_id)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS message(
  acct INTEGER NOT NULL,
  mailbox INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  email_id BLOB NOT NULL,
  modseq INTEGER NOT NULL,
  sys INTEGER NOT NULL,
  kw TEXT,                           -- keywords, sorted, space between; NULL = none
  size INTEGER NOT NULL,
  internaldate INTEGER NOT NULL,
  PRIMARY KEY (acct, mailbox, uid)
) WITHOUT ROWID;

-- Expunged messages, kept for VANISHED. Apart from `message`, so that a churned INBOX stays quick to open.
CREATE TABLE IF NOT EXISTS message_vanished(
  acct INTEGER NOT NULL,
  mailbox INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  modseq INTEGER NOT NULL,
  expunged INTEGER NOT NULL,         -- seconds since the epoch
  PRIMARY KEY (acct, mailbox, uid)
) WITHOUT ROWID;

-- Octets of small messages, in order of arrival and apart from the headers, which are read in bulk.
CREATE TABLE IF NOT EXISTS email_body(
  body INTEGER PRIMARY KEY,
  octets BLOB NOT NULL
);

CREATE TABLE IF NOT EXISTS email(
  email INTEGER PRIMARY KEY,
  acct INTEGER NOT NULL,
  email_key BLOB NOT NULL UNIQUE,    -- email_id with its time first: new ones go to the end of the index
  size INTEGER NOT NULL,
  prefix BLOB NOT NULL,
  prepared BLOB NOT NULL,
  internaldate INTEGER NOT NULL,
  body INTEGER,                      -- email_body, or
  blob_id BLOB,                      -- a blob
  tenant TEXT,
  queue_id BLOB,
  refs INTEGER NOT NULL,             -- live messages that show this email
  orphaned INTEGER                   -- seconds since the epoch; since when refs is 0
);

CREATE INDEX IF NOT EXISTS email_orphaned ON email(orphaned) WHERE orphaned IS NOT NULL;
