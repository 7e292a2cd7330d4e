"""The front door: the server, the gateway that every request passes, and its guard.

The room knows all the others, which do not know it; here the parts are put together.
"""
