#include "proxy/cli/commands.h"

int main(int argc, char** argv) {
    return headgate::proxy::run_command_line(argc, argv);
}
