//! What Vigil watches about itself and the machine it runs on.

mod descriptors;

pub(crate) use descriptors::provide as provide_descriptors;
