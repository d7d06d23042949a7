"""The live view as a page: a server on the loopback address for one capture, with a secret in its URL.

``feed`` takes what the capture sees and makes events of it, ``log`` keeps the newest of them, ``server`` hands
them to browsers from a thread of its own, ``access`` decides who gets anything. The page itself is ``page.html``,
``app.js`` and ``style.css``. Needs Tornado: ``pip install 'synscope[web]'``.
"""
