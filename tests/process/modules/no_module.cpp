// A shared object that has nothing to do with the server.
extern "C" int some_function();
extern "C" int some_function() {
  return 7;
}
