"""rules: what an administrator's own rules say about a message. Pure: a text and a message in, symbols out.

Follow one rule set: `parse_rules` reads its TOML (parse.py) into the frozen types of grammar.py; `compile_rules` makes
it ready to be asked (compiled.py); `evaluate` asks it about a MessageView (message_view.py), which reads only what the
rules want; `explain` also says which value each rule met. What follows from symbols is decided in verdicts/rulings.py.

Invariants: time is linear in the message (re2), memory bounded; no message makes an evaluation raise. Not done here:
where rules are kept, whose rules see which recipients (docs/adr/0024).
"""
