/// The clauses of `BrokerContract`, as arguments of one parameterised test.
public enum BrokerConformance {
    public static let clauses: [BrokerClause] =
        StreamClauses.all + CommandClauses.all + PlaceFaultClauses.all + TLSClauses.all + CancelClauses.all + CancelFaultClauses.all + ReplaceClauses.all
        + RepriceClauses.all + LookupClauses.all + LookupFaultClauses.all + FillClauses.all + CapabilityClauses.all + BracketClauses.all + ClosingClauses.all
        + ExitPairClauses.all + DiscretionClauses.all
}

/// The further clauses of `ExchangeContract`, for a broker that is an exchange.
public enum ExchangeConformance {
    public static let clauses: [BrokerClause] = ExchangeClauses.all
}
