"""doctor: looks at the machine, the stores and the services that Posthouse needs, and says what to fix.

Each module has checks that return findings; none changes anything but a probe file that it removes again.
"""
