import Foundation

/// Prints a line on standard error; tables and JSON have standard output to themselves.
func printToError(_ text: String, terminator: String = "\n") {
    FileHandle.standardError.write(Data((text + terminator).utf8))
}
