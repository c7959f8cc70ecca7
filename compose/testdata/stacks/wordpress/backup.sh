#!/bin/sh
exec mariadb-dump --all-databases
