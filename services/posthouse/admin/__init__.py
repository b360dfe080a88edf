"""admin: what an operator may ask of the platform, as plain functions over ports.

One table (dispatch.py) names every operation; the CLI calls it on stores that it opened itself, and a running embedded
process calls it for requests that come in through its control socket. So both ways do the same.
Operations take keyword arguments that JSON can carry, return values that JSON can carry, and raise MailError whose
public text says what to do. Not done here: choosing adapters, printing, asking for confirmation.
"""
