mod http;
mod live;
mod resume;
mod screen;
mod site;
