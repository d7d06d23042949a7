"""The HTML report: one file that needs nothing else, for people who did not run the program.

Input: diagnoses, a ``Look`` and, for the timeline, ``Moments``. Output: a document with its style and its script in
it. Jinja2 escapes every value; before that every value passes ``escape.visible``. The Content-Security-Policy
in the document allows nothing but these two by their hashes, so even markup that came in could not run anything
or ask anybody. ``collected`` takes over what the terminal report says, ``shown_target``,
``ladder_drawing``, ``timeline`` and ``document`` say what is shown, the templates how.
"""
