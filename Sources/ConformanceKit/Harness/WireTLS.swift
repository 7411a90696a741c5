import NIOSSL

/// PEM files with which the suite's proxies speak TLS to a broker, in the venue's place.
public struct WireTLS: Sendable {
    /// A certificate with its key, as a server under one name presents it.
    public struct Identity: Sendable {
        public var certificatePath: String
        public var keyPath: String

        public init(certificatePath: String, keyPath: String) {
            self.certificatePath = certificatePath
            self.keyPath = keyPath
        }

        func context() throws -> NIOSSLContext {
            try NIOSSLContext(
                configuration: .makeServerConfiguration(
                    certificateChain: try NIOSSLCertificate.fromPEMFile(certificatePath).map { .certificate($0) },
                    privateKey: .privateKey(try NIOSSLPrivateKey(file: keyPath, format: .pem))))
        }
    }

    /// For `localhost`, by the authority.
    public var server: Identity
    /// The certificates that the broker has to trust, instead of the system's.
    public var authorityPath: String
    /// For `localhost` too, by an authority that nobody trusts.
    public var stranger: Identity

    public init(server: Identity, authorityPath: String, stranger: Identity) {
        self.server = server
        self.authorityPath = authorityPath
        self.stranger = stranger
    }
}
