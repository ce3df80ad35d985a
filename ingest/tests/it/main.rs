mod front;
mod seeds;
