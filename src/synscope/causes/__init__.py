"""The catalogue of causes: what each one is, what it looks like, and how to tell it from its look-alikes.

``cause`` says what a cause declares, one small file per cause declares it, ``catalogue`` lists them.
``priors`` and ``look_alikes`` are the two tables that relate causes to each other; ``evaluation``
confronts one cause with the facts. Nothing here touches the host: everything is a function of Facts.
"""
