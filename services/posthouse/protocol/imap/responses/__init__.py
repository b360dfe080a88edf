"""What the server says, as octets ready to send: status lines, errors, mailbox data, FETCH and SEARCH data."""
