namespace CellOS.Export.S3.Core
module internal Push =
    let x = 1
