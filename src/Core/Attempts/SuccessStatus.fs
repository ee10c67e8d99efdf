namespace CellOS.Export.S3.Core

/// What a status of success (2xx) says of an uploaded object (RFC 9110, 15.3).
[<RequireQualifiedAccess>]
type SuccessStatus =
    /// The object is stored.
    | Stored
    /// The server has accepted the upload and has not processed it yet.
    | NotYetStored
    /// The status does not belong to a response to an upload, or a proxy has changed the response.
    | NotOfAnUpload

/// Classifies the statuses of success.
[<RequireQualifiedAccess>]
module SuccessStatus =
    /// Returns what a status of 200 to 299 says.
    [<CompiledName("Of")>]
    let ofStatus (status: int) : SuccessStatus =
        match status with
        | 200
        | 201
        | 204 -> SuccessStatus.Stored
        | 202 -> SuccessStatus.NotYetStored
        // 203 comes from a proxy that changed the response, 205 to 208 and 226 answer other methods, the rest is not
        // registered.
        | _ -> SuccessStatus.NotOfAnUpload
