namespace CellOS.Export.S3.Core

/// Where the artifacts of a target are kept whose export failed for a temporary reason.
type SpoolSettings = {
    /// The path of the folder, as it was given.
    Folder: string
    /// The most bytes that the copies in the folder have together; `None` for no limit.
    MaxBytes: int64 option
}
