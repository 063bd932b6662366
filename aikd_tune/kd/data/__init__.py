"""Images, labels, splits and views; only ``views`` needs torch."""
