// gate_file: what all processes know of the destinations: one small locked file in the data
// directory.
//
//   gate.json: "b24gate 2 " (the format's version), the SHA-256 in hex of all behind this line, a
//   line feed; then as JSON the boot id of the machine, and by destination what GateBook holds.
//
// Read and written whole under flock, which is never held while anybody waits for a network, and
// never synced: losing it costs nothing but fresh buckets. Times in it are of the steady clock, so
// a file of another boot is begun anew. A file that is damaged, or of another version, is put aside
// as gate-TIME.broken, and a fresh one takes over. Safe from all threads and processes; a child
// after fork() may go on using it.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "base/error.h"
#include "portal/gate_book.h"

namespace b24 {

using GateBooks = std::map<std::string, GateBook, std::less<>>;  // by destination

class GateFile {
 public:
  // `tell` hears of a file that was put aside.
  GateFile(std::filesystem::path dir, std::function<void(const Error&)> tell);

  Result<GateBooks> read() const;
  // Runs `work` on what is written down, and writes down what it made of it. Code "busy" after a
  // second behind another's lock; after any error nothing is written, or the file is empty.
  Status change(const std::function<void(GateBooks&)>& work) const;

 private:
  std::filesystem::path file_;
  std::function<void(const Error&)> tell_;
};

}  // namespace b24
