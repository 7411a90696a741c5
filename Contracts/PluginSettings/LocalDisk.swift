import Foundation

/// Tells whether a path from the configuration lies on a disk of this machine.
///
/// Databases shared through a network file system lose locks and acknowledge what is not written.
public enum LocalDisk {
    /// The type of the network or user-space file system that holds `path`, or nil if it is none of these or not to be told.
    public static func networkFileSystem(holding path: String) -> String? {
        guard let data = FileManager.default.contents(atPath: "/proc/self/mountinfo") else { return nil }
        let resolved = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        return networkFileSystem(holding: resolved, mountInfo: String(decoding: data, as: UTF8.self))
    }

    /// The same on the text of `/proc/self/mountinfo`, whose form is in proc(5). A later mount hides an earlier one.
    static func networkFileSystem(holding path: String, mountInfo: String) -> String? {
        var best: (point: String, type: String)?
        for line in mountInfo.split(separator: "\n") {
            let halves = line.split(separator: " - ", maxSplits: 1)
            guard halves.count == 2 else { continue }
            let fields = halves[0].split(separator: " ")
            guard fields.count > 4, let type = halves[1].split(separator: " ").first else { continue }
            let point = unescaped(fields[4])
            guard path == point || point == "/" || path.hasPrefix(point + "/") else { continue }
            if point.utf8.count >= best?.point.utf8.count ?? 0 { best = (point, String(type)) }
        }
        guard let type = best?.type else { return nil }
        let family = type.split(separator: ".").first.map(String.init) ?? type
        return ["nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "fuse", "fuseblk"].contains(family) ? type : nil
    }

    private static func unescaped(_ text: Substring) -> String {
        var text = String(text)
        for (code, character) in [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")] {
            text = text.replacingOccurrences(of: code, with: character)
        }
        return text
    }
}
