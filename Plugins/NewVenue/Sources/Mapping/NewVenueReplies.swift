import AdapterKit
import BrokerContract
import TradingModel

/// What the venue's objects say in the words of the contract. Pure. To be built: `order`, `fill`, `errorCode`.
enum NewVenueReplies {
    /// Thrown where a reply lacks something or has a word that must not be guessed.
    struct Unreadable: Error {}

    /// One order of the venue. A status that is not known is `.unrecognised`, with the venue's word beside it.
    static func order(_ json: WireJSON) throws -> OrderReport {
        throw Unreadable()
    }

    /// One execution. Its id is unique per account, and the same in a reply, in a query and on a stream.
    static func fill(_ json: WireJSON) throws -> Fill {
        throw Unreadable()
    }

    /// The venue's code and words in the body of a refusal; nil where there are none.
    static func errorCode(_ reply: VenueReply) -> (code: String, message: String)? {
        nil
    }
}
