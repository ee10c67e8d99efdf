namespace LoopbackS3; internal static class Placeholder;
