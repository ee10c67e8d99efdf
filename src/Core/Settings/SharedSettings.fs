namespace CellOS.Export.S3.Core

open System

/// The settings that all targets share.
type internal SharedSettings = {
    Request: Reading<int64>
    Connect: Reading<int64>
    Stall: Reading<int64 option>
    ExpectContinue: Reading<int64 option>
}

[<RequireQualifiedAccess>]
module internal SharedSettings =

    /// What a .NET timer takes, in milliseconds (24 days).
    let longestTimeout = int64 Int32.MaxValue

    let read lookup =
        let timeout name variable (whenUnset: int) =
            EnvironmentReader.number lookup None name variable " ms" 1L longestTimeout (int64 whenUnset)

        {
            Request = timeout "requestTimeout" Variable.RequestTimeout Variable.DefaultRequestTimeoutMs
            Connect = timeout "connectTimeout" Variable.ConnectTimeout Variable.DefaultConnectTimeoutMs
            Stall =
                EnvironmentReader.optionalNumber
                    lookup
                    None
                    "stallTimeout"
                    Variable.StallTimeout
                    " ms"
                    1L
                    longestTimeout
                    None
                    None
            ExpectContinue =
                EnvironmentReader.optionalNumber
                    lookup
                    None
                    "expectContinueMinBytes"
                    Variable.ExpectContinueMinBytes
                    " bytes"
                    0L
                    Int64.MaxValue
                    (Some "off")
                    (Some Target.DefaultExpectContinueFrom)
        }
