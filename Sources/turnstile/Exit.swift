import ArgumentParser
import Foundation

/// How the program ends. The numbers are part of its interface.
enum Exit {
    static let error = ExitCode(1)
    static let notFound = ExitCode(2)
    static let notRunning = ExitCode(3)
    static let configuration = ExitCode(4)
    static let timeout = ExitCode(5)
}

/// A line for people, beside whatever the command prints.
func printError(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
}
