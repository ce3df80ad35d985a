mod clocks;
mod limits;
mod model;
mod profiles;
mod replay;
mod technical;
mod ward;
