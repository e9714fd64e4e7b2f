"""The models page and the model picker."""
