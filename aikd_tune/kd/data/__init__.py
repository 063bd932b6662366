"""Images, labels, splits and views; ``views`` needs torch, and decoding one of torchvision's sets does."""
