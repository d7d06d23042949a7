"""The catalogue of causes: what each one is, where it stops a connection, what it predicts.

``cause`` says what a cause declares, one small file per cause declares it, ``catalogue`` lists them. ``priors`` and
``background`` are the two tables of numbers, ``likelihood`` and ``stages`` make factors of answers, ``rank`` puts the
causes in their order, ``deciding`` computes what would decide. Nothing here touches the host: everything is a
function of Facts.
"""
