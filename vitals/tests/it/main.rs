mod seeds;
mod wire;
