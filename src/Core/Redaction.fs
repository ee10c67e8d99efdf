namespace CellOS.Export.S3.Core
module internal Redaction =
    let x = 1
