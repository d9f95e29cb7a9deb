// Preloaded into a server that lets nobody say where it listens: it listens on loopback, whatever it asks for.
import net from "node:net";

const listen = net.Server.prototype.listen;

net.Server.prototype.listen = function (...given) {
  const [first, ...rest] = given;
  if (typeof first === "object" && first !== null) {
    return listen.call(this, { ...first, host: "127.0.0.1" }, ...rest);
  }
  const callback = given.find((each) => typeof each === "function");
  return listen.call(this, { port: Number(first), host: "127.0.0.1" }, callback);
};
