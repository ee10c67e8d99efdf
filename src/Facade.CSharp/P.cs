namespace CellOS.Export.S3; internal static class Placeholder;
