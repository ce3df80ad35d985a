mod broker;
mod delivery;
