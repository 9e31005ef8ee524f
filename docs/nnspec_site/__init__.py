"""Site building only: the Markdown blocks, figures and checks of the nnspec site."""
