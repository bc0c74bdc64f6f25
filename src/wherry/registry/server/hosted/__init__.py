"""The backend of a registry that keeps images: the catalog says where, the blob driver has them."""
